-- Has the next revision trained now, or the one whose training failed again.
local os = require("os")
local status = obj.status or {}
obj.metadata.annotations = obj.metadata.annotations or {}
if status.candidate ~= nil then
  if status.candidate.state ~= "Failed" then
    error("a revision is being trained already", 0)
  end
  obj.metadata.annotations["customspeech.dev/reconcile-requested-at"] = os.date("!%Y-%m-%dT%H:%M:%SZ")
  return obj
end
local highest = status.highestRevision or 0
if status.current ~= nil and (status.current.revision or 0) > highest then
  highest = status.current.revision
end
for _, past in ipairs(status.history or {}) do
  if past.revision > highest then
    highest = past.revision
  end
end
if highest == 0 then
  error("the operator trains the first revision by itself", 0)
end
obj.metadata.annotations["customspeech.dev/train-revision"] = tostring(highest + 1)
return obj
