-- `choiceOf(text)`: a stored TTL override in seconds; nil if there is none or it is malformed.
local function choiceOf(text)
  if text and #text <= 10 and string.match(text, '^[1-9]%d*$') then return tonumber(text) end
end
