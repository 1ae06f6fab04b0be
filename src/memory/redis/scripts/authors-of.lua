-- KEYS  1 conversation, 2 inbox
-- Returns the ids of all authors.
-- @include authors
local list = {}
for id in pairs(authors(KEYS[1], KEYS[2])) do list[#list + 1] = id end
return list
