-- Lists the facts of a conversation.
--
-- KEYS  1 conversation
-- Returns a flat list of id, expiry (ms), text.
-- @include now
-- @include facts
return factsOf(baseOf(KEYS[1]))
