"""What plugin authors get for their tests. `contract` needs pytest; nothing else in hubauth imports it."""
