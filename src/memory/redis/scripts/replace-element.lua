-- KEYS  1 conversation, 2 meta
-- ARGV  1 the element as it was read, 2 the new one, 3 tokens more
-- gives 1, or 0 when it is not there any more
-- @include count
local at = redis.call('LPOS', KEYS[1], ARGV[1])
if not at then return 0 end
redis.call('LSET', KEYS[1], at, ARGV[2])
local bytes = string.match(redis.call('HGET', KEYS[2], 'bytes') or '', '^%d+$')
if bytes then redis.call('HSET', KEYS[2], 'bytes', string.format('%.0f', bytes + #ARGV[2] - #ARGV[1])) end
if redis.call('HEXISTS', KEYS[2], 'tokens') == 1 then count(KEYS[2], 'tokens', ARGV[3]) end
return 1
