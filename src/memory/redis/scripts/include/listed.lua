-- The authors of a conversation must be indexed for at least as long as it lives, because an erase finds it through the indexes. The
-- indexes are in other slots, so they are extended before the conversation's TTL is (listing.ts). `people` records until when each
-- author is indexed: a script that would extend the TTL beyond that changes nothing and returns {'unlisted', ms}.
--
-- `unlisted(list, people, instant, who)`, needs `now`: nil, or the result of such a script. `who`: an author that must be recorded too.
-- `mark(people, who, at)` records that an author is indexed until `at` (ms).
local function mark(people, who, at)
  local text = string.format('%.0f', at)
  local marked = redis.pcall('ZADD', people, 'GT', text, who)
  if type(marked) == 'table' then
    -- This is not for maxmemory: a script that has written before may continue.
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
