-- KEYS  1 conversation
-- gives id, expiry (ms), text of each fact that is kept for it, as a flat list
-- @include now
-- @include facts
return factsOf(baseOf(KEYS[1]))
