"""The REST API outside the hub: any number of processes, over the database that the hub uses (`credential-service`)."""
