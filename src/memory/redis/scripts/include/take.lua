-- `take(own, inbox, head, token, budget, most)`, needs `now`: makes the token the owner of the head's turn, counts the attempt, and extends
-- the conversation's lifetime to at least `budget` seconds if the model has not answered yet.
-- Returns {element, record as flat list, newest messages, 1 if the lifetime was extended, number of messages in the conversation, facts as
-- by factsOf}.
-- @include now
-- @include count
-- @include head
-- @include facts
local function take(own, inbox, head, token, budget, most)
  local newest = most == '0' and {} or redis.call('LRANGE', own, -most, -1)
  local facts = factsOf(baseOf(own))
  if head.dropped > 0 then redis.call('LPOP', inbox, head.dropped) end
  redis.call('EXPIRE', inbox, 86400)
  local key, state = head.key, head.state
  if head.broken then redis.call('DEL', key) end
  local extended = 0
  if head.owner ~= token then
    if state == 'running' then count(key, 'takeovers', 1) end
    if not state and isTombstone(head.element) then
      state = 'forgotten'
      redis.call('HSET', key, 'state', state, 'outcome', state)
    elseif not state or state == 'queued' then
      redis.call('HSET', key, 'state', 'running')
    end
    -- The record was lost.
    if not state and head.generation ~= '0' then redis.call('HSET', key, 'generation', head.generation) end
    redis.call('HSETNX', key, 'startedAt', now)
    count(key, 'attempt', 1)
    redis.call('HSET', key, 'owner', token)
    redis.call('EXPIRE', key, 86400)
    if not state or state == 'queued' or state == 'running' then
      extended = redis.call('EXPIRE', own, budget, 'GT')
      redis.call('EXPIRE', own .. ':sources', budget, 'GT')
    end
  end
  return {head.element, redis.call('HGETALL', key), newest, extended, redis.call('LLEN', own), facts}
end
