-- `read(element)`: parses an element of an inbox. Returns the message without its text, the generation and the skeleton line; nil if the
-- element is corrupt.
-- `tombstone(gen, skeleton)`: the element without its text. `isTombstone(element)`: whether it has no text. A message may wait for
-- longer than its record lives; without a record, this decides.
local function read(element)
  local gen, skeleton = string.match(element, '^(%d+)\n([^\n]+)\n')
  if not gen then return nil end
  local ok, message = pcall(cjson.decode, skeleton)
  if not ok or type(message) ~= 'table' or type(message.turnId) ~= 'string' then return nil end
  return message, gen, skeleton
end
local function tombstone(gen, skeleton) return gen .. '\n' .. skeleton .. '\n""\n{}' end
local function isTombstone(element) return string.sub(element, -6) == '\n""\n{}' end
