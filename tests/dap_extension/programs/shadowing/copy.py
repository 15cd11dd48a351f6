"""the program's own"""
