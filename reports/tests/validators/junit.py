"""Prints a line for each XML file of a folder: what the schema says against it, and its cases."""

import json
import pathlib
import sys

import xmlschema

schema = xmlschema.XMLSchema10(sys.argv[1])
for path in sorted(pathlib.Path(sys.argv[2]).glob("*.xml")):
    faults = [str(fault.reason) for fault in schema.iter_errors(path)]
    print(json.dumps({"name": path.stem, "faults": faults}))
