-- `note(pending, session)`, behind NOW: notes a conversation as pending, to be looked at in 4 s. One that is noted already
-- becomes 1 microsecond older: it keeps its age, and whoever read its score before does not clear it.
local function note(pending, session)
  local score = tonumber(redis.call('ZSCORE', pending, session) or nil)
  redis.call('ZADD', pending, string.format('%.0f', score and score - 1 or micros + 4000000), session)
end
