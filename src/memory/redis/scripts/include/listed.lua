-- Whoever has words in a conversation is in the indexes for at least as long, since who erases them finds it there. The indexes
-- have slots of their own, so this is seen to before a conversation is given more time, and not behind it (listing.ts): a
-- script that would outlive what is marked in `people` changes nothing and says so.
--
-- `unlisted(list, people, instant, who)`, behind NOW: nil, or what such a script gives. `who`, if given, has to be marked too.
-- `mark(people, who, at)` marks somebody until `at` (ms).
local function mark(people, who, at)
  local text = string.format('%.0f', at)
  local marked = redis.pcall('ZADD', people, 'GT', text, who)
  if type(marked) == 'table' then
    -- Not at maxmemory: a script that has written before may go on.
    if not string.find(marked.err, 'WRONGTYPE', 1, true) then error(marked) end
    redis.call('DEL', people)
    redis.call('ZADD', people, text, who)
  end
  redis.call('PEXPIREAT', people, text, 'NX')
  redis.call('PEXPIREAT', people, text, 'GT')
end
local function unlisted(list, people, instant, who)
  local short = redis.pcall('ZRANGEBYSCORE', people, '-inf', '(' .. string.format('%.0f', instant), 'LIMIT', 0, 1)
  if short.err then redis.call('DEL', people) end
  if short.err or #short > 0 or (who and not redis.call('ZSCORE', people, who))
    or (redis.call('EXISTS', people) == 0 and redis.call('EXISTS', list) == 1) then
    return {'unlisted', instant - now}
  end
end
