"""The tests. A package, since kuksa-client installs one of the same name, which would win over a folder."""
