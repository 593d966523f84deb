-- The operator changes nothing until the object is resumed.
obj.spec.suspend = true
return obj
