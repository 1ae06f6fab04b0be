-- `said(element)`: when a message counts as said, which its retention counts from (Unix ms); nil for what is none of ours.
-- Within a JSON string every quote is escaped, so that only a field's name can match.
local function said(element)
  for _, name in ipairs({'"saidAt":', '"timestamp":'}) do
    local _, last = string.find(element, name, 1, true)
    local digits = last and string.match(element, '^%d+', last + 1)
    if digits then return tonumber(digits) end
  end
end
