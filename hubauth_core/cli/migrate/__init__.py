"""`hubauth migrate`: reading the old configuration, planning and writing the new one, and whose each hub user is."""
