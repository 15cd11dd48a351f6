"""Finding the activities of the process, by the sources that frameworks hand in.

A source looks its framework up in ``sys.modules`` and finds nothing if the program has not imported it. It finds
its objects at once, and describes them one by one when asked to, so that a debugger can show a page of a million tasks.
"""
