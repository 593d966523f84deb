-- What is not suspended does not say so, as in a manifest.
obj.spec.suspend = nil
return obj
