"""What people and programs open: record, tables, label maps, pictures."""
