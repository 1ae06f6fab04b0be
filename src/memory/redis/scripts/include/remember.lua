-- `lifeOf(own, ownText, placeText)`: how long the conversation `own` lives after this turn, by its stored TTL overrides. Returns
-- `{ttl, expiry, short}`: seconds, ms, and the result of `unlisted`. In a person's own conversation, they must be indexed for as long as
-- their TTL override is kept as well.
-- `remember(own, life)`: stores the turn. Returns the number of messages, and the expiry (ms).
-- `placeChoice(own)`: the key of the TTL override that was made outside of threads and also applies in this thread; nil outside of threads.
--
-- KEYS  1 conversation
-- ARGV  1 maximum of messages, 2 maximum of bytes, 3 default ttl (s), 4 min ttl (s), 5 max ttl (s), 6 prefix of place indexes,
--       7 user's element, 8 assistant's element, 9 ttl of this message (s) or '', 10 tokens, 11 author's id
-- @include choice
-- @include count
-- @include listing
-- @include listed
-- @include trim
local call = redis.call
local defaultTtl, minTtl, maxTtl, places = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local function keepOf(choice) return math.max(7776000, 2 * choice) end
local function placeChoice(own)
  if string.find(own, '}:t-', 1, true) then return string.gsub(own, '}:t%-[^:]*', '}') .. ':ttl' end
end
local function lifeOf(own, ownText, placeText)
  local asked, chosen, chosenThere = tonumber(ARGV[9]), choiceOf(ownText), choiceOf(placeText)
  local life = {}
  if asked and asked >= minTtl then
    life.asked, chosen, chosenThere = asked, asked, nil
  else
    life.chosen, life.chosenThere = chosen, chosenThere
  end
  life.ttl = asked or chosen or chosenThere or defaultTtl
  -- Then the turn has expired, and with it all earlier turns.
  life.expiry = math.min(now + life.ttl * 1000, (said(ARGV[7]) or now) + maxTtl * 1000)
  local needed = life.expiry
  if string.find(own, '}[^}]*:u%-') then
    for _, it in pairs({chosen or 0, chosenThere or 0}) do
      if it > 0 then needed = math.max(needed, now + keepOf(it) * 1000) end
    end
  end
  life.short = unlisted(own, own .. ':people', needed, ARGV[11])
  return life
end
local function remember(own, life)
  local meta = own .. ':meta'
  local pushed = call('RPUSH', own, ARGV[7], ARGV[8])
  if life.asked then
    call('SET', own .. ':ttl', ARGV[9], 'EX', keepOf(life.asked))
  else
    if life.chosen then call('EXPIRE', own .. ':ttl', keepOf(life.chosen)) end
    if life.chosenThere then call('EXPIRE', placeChoice(own), keepOf(life.chosenThere)) end
  end
  if pushed == 2 then call('HDEL', meta, 'created', 'turns', 'tokens', 'v', 'bytes', 'sized') end
  local left = trim(own, meta, pushed, {
    messages = tonumber(ARGV[1]), bytes = tonumber(ARGV[2]), since = now - maxTtl * 1000, added = #ARGV[7] + #ARGV[8],
    source = fieldOf(ARGV[7], 'source'),
  })
  for _, key in ipairs({own, own .. ':sources'}) do call('PEXPIREAT', key, string.format('%.0f', life.expiry)) end
  local begun = count(meta, 'turns', '1') == 1
  count(meta, 'tokens', ARGV[10])
  if begun then
    call('HSETNX', meta, 'created', now)
    call('HSET', meta, 'v', '1')
  end
  local tag, member = string.match(own, '({.-})(.*)$')
  list(meta, places .. tag, member, life.expiry, life.ttl)
  return left, life.expiry
end
