"""The named neural systems: one network of the parts of models/parts, configured by a TOML file each.

Alignment brings an item's tokens into one space, completion makes what it lacks, fusion makes one vector of them. A
history encoder makes a user of such vectors, and a head compares the user with candidates.
"""
