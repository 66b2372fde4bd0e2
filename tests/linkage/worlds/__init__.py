"""The worlds that the judge draws its records from, one module for each kind of register."""
