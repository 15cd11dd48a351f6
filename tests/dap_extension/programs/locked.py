"""Waits for a lock in its main thread, until another thread has read a line of its input."""

import sys
import threading


def read(go_on):
    sys.stdin.readline()
    go_on.set()


def main():
    go_on = threading.Event()
    threading.Thread(target=read, args=(go_on,), name="reader").start()
    print("waiting", flush=True)
    go_on.wait()
    print("done", flush=True)


if __name__ == "__main__":
    main()
