-- Keeps a fact, proposes one for confirmation, or confirms it.
--
-- KEYS  1 base conversation, 2 people, 3 facts, 4 text of this fact
-- ARGV  1 'keep', 'propose' or 'confirm', 2 id, 3 person's id, 4 retention of a fact (s), 5 maximum of facts, 6 maximum of proposals,
--       7 lifetime of a proposal (ms), 8 when it was told (ms), 9 the text's other two lines; 8 and 9 are absent for 'confirm'
-- Returns {'unlisted', ms} | {'full'} | {'unknown'} | {'kept' or 'known', id, expiry (ms), text}
-- @include now
-- @include listed
-- @include facts
local base, people, index, key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local mode, id, lifeMs, proposalMs = ARGV[1], ARGV[2], ARGV[4] * 1000, tonumber(ARGV[7])
local proposal = 'proposed:' .. id
local function format(ms) return string.format('%.0f', ms) end
local function saidOf(text) return tonumber(string.match(text, '^(%d+)\n') or '0') end
local function words(text) return string.match(text, '^[^\n]*\n[^\n]*\n(.*)$') end
-- The text comes first: it needs memory, so at maxmemory it is refused before anything is changed.
local function store(name, textKey, text, expiry)
  redis.call('SET', textKey, text, 'PXAT', format(expiry))
  local added = redis.pcall('ZADD', index, format(expiry), name)
  if type(added) == 'table' then
    redis.call('DEL', index)
    redis.call('ZADD', index, format(expiry), name)
  end
  redis.call('ZREMRANGEBYSCORE', index, '-inf', format(now))
  redis.call('PEXPIREAT', index, format(expiry), 'NX')
  redis.call('PEXPIREAT', index, format(expiry), 'GT')
end

local kept = factsOf(base)
local text
if mode == 'confirm' then
  for i = 1, #kept, 3 do
    if kept[i] == id then return {'known', id, kept[i + 1], kept[i + 2]} end
  end
  local until_ = redis.pcall('ZSCORE', index, proposal)
  text = redis.pcall('GET', key)
  if type(until_) ~= 'string' or tonumber(until_) <= now or type(text) ~= 'string' then return {'unknown'} end
else
  text = format(math.min(tonumber(ARGV[8]), now)) .. '\n' .. ARGV[9]
end
local expiry = saidOf(text) + lifeMs
local short = unlisted(base, people, math.max(expiry, now + proposalMs), ARGV[3])
if short then return short end

for i = 1, #kept, 3 do
  if kept[i] == id or words(kept[i + 2]) == words(text) then
    local until_, same = tonumber(kept[i + 1]), kept[i + 2]
    if expiry > until_ then
      until_ = expiry
      same = string.gsub(same, '^%d+', format(saidOf(text)))
      store(kept[i], base .. ':fact:' .. kept[i], same, until_)
    end
    if mode == 'confirm' then
      redis.call('ZREM', index, proposal)
      redis.call('DEL', key)
    end
    return {'known', kept[i], format(until_), same}
  end
end
if #kept >= 3 * ARGV[5] then return {'full'} end
if mode == 'propose' then
  local proposed = {}
  local listed = redis.pcall('ZRANGEBYSCORE', index, '(' .. format(now), '+inf')
  for _, name in ipairs(listed.err and {} or listed) do
    if string.find(name, 'proposed:', 1, true) and name ~= proposal then proposed[#proposed + 1] = name end
  end
  store(proposal, key, text, now + proposalMs)
  for i = 1, #proposed + 1 - ARGV[6] do
    redis.call('ZREM', index, proposed[i])
    redis.call('DEL', base .. ':fact:' .. string.sub(proposed[i], #'proposed:' + 1))
  end
else
  store(id, key, text, expiry)
  redis.call('ZREM', index, proposal)
end
return {'kept', id, format(expiry), text}
