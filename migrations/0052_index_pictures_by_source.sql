-- A message that is sent again finds the pictures that were ordered for it: by the upload's key.
ALTER TABLE pictures ADD KEY pictures_source (user_id, source_key)
