-- Deleting the object deletes nothing in the Speech service from now on, whatever spec.deletionPolicy says, and waits for no
-- operator.
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["customspeech.dev/deletion-policy"] = "Retain"
local others = {}
for _, finalizer in ipairs(obj.metadata.finalizers or {}) do
  if finalizer ~= "customspeech.dev/remote-entity" then
    table.insert(others, finalizer)
  end
end
obj.metadata.finalizers = #others > 0 and others or nil
return obj
