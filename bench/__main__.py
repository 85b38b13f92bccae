"""`make bench`: every measurement, one after the other, each beside its budget."""

from bench import backup, certificate, completion_list, load, pages

if __name__ == "__main__":
    for part in (pages, certificate, completion_list, backup, load):
        part.main()
