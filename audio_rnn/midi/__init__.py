"""Music: files <-> notes <-> event symbols."""
