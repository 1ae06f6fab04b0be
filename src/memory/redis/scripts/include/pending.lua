-- `mark_pending(pending, session)`, needs `micros`: marks a conversation as pending, to be scanned in 4 s. If it is marked already, its
-- score becomes 1 microsecond lower: it keeps its age, and a scan that has read the old score does not clear it.
local function mark_pending(pending, session)
  local score = tonumber(redis.call('ZSCORE', pending, session) or nil)
  redis.call('ZADD', pending, string.format('%.0f', score and score - 1 or micros + 4000000), session)
end
