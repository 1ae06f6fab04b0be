-- KEYS  1 conversation, 2 inbox
-- gives the ids of all who have words there
-- @include authors
local list = {}
for id in pairs(authors(KEYS[1], KEYS[2])) do list[#list + 1] = id end
return list
