-- Takes the models that are in quarantine now out of it.
local models = {}
for _, entry in ipairs((obj.status or {}).quarantine or {}) do
  table.insert(models, entry.model)
end
if #models == 0 then
  error("no model is in quarantine", 0)
end
local value = table.concat(models, ",")
-- Each value works once: the same models again need another value.
if obj.status.lastHandledClearQuarantine == value then
  value = value .. "," .. models[1]
end
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["customspeech.dev/clear-quarantine"] = value
return obj
