-- `lifeOf(own, ownText, placeText)`: how long a turn makes the conversation `own` live, whose TTL choices were read already.
-- Gives `{ttl, expiry, short}`: seconds, ms, and what `unlisted` says of it; in a person's own conversation they have to be
-- indexed for as long as their TTL choice is kept, too.
-- `remember(own, life)`: what a turn leaves behind. Gives the messages before the cap dropped some, and the expiry (ms).
-- `placeChoice(own)` names the TTL choice that was made outside of a thread and holds in it too; outside of threads it names nothing.
--
-- KEYS  1 conversation
-- ARGV  1 most messages, 2 default ttl (s), 3 min ttl (s), 4 what the names of place indexes begin with, 5 user's element,
--       6 assistant's element, 7 ttl of this message (s) or '', 8 tokens, 9 author's id
-- @include choice
-- @include count
-- @include listing
-- @include listed
local call = redis.call
local most, defaultTtl, minTtl, places = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local function keepOf(choice) return math.max(7776000, 2 * choice) end
local function placeChoice(own)
  if string.find(own, '}:t-', 1, true) then return string.gsub(own, '}:t%-[^:]*', '}') .. ':ttl' end
end
local function lifeOf(own, ownText, placeText)
  local asked, chosen, chosenThere = tonumber(ARGV[7]), choiceOf(ownText), choiceOf(placeText)
  local life = {}
  if asked and asked >= minTtl then
    life.asked, chosen, chosenThere = asked, asked, nil
  else
    life.chosen, life.chosenThere = chosen, chosenThere
  end
  life.ttl = asked or chosen or chosenThere or defaultTtl
  life.expiry = now + life.ttl * 1000
  local needed = life.expiry
  if string.find(own, '}[^}]*:u%-') then
    for _, it in pairs({chosen or 0, chosenThere or 0}) do
      if it > 0 then needed = math.max(needed, now + keepOf(it) * 1000) end
    end
  end
  life.short = unlisted(own, own .. ':people', needed, ARGV[9])
  return life
end
local function remember(own, life)
  local meta = own .. ':meta'
  local pushed = call('RPUSH', own, ARGV[5], ARGV[6])
  if life.asked then
    call('SET', own .. ':ttl', ARGV[7], 'EX', keepOf(life.asked))
  else
    if life.chosen then call('EXPIRE', own .. ':ttl', keepOf(life.chosen)) end
    if life.chosenThere then call('EXPIRE', placeChoice(own), keepOf(life.chosenThere)) end
  end
  if pushed > most then call('LTRIM', own, -most, -1) end
  call('PEXPIREAT', own, string.format('%.0f', life.expiry))
  if pushed == 2 then call('HDEL', meta, 'created', 'turns', 'tokens', 'v') end
  local begun = count(meta, 'turns', '1') == 1
  count(meta, 'tokens', ARGV[8])
  if begun then
    call('HSETNX', meta, 'created', now)
    call('HSET', meta, 'v', '1')
  end
  local tag, member = string.match(own, '({.-})(.*)$')
  list(meta, places .. tag, member, life.expiry, life.ttl)
  return pushed, life.expiry
end
