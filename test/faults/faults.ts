/**
 * The faults that the cache has to bear, by number. A test that proves one says so in its title:
 *
 *     fault 24, a server ignores the range: the part is started over in place
 *
 * write-reliability.ts makes the table of docs/reliability.md of those titles; reliability.test.ts sees to it that each
 * fault of this list has a test, and that no title names another.
 */

/** What goes wrong. */
export const faults: Readonly<Record<number, string>> = {
  1: 'a process is killed while it downloads',
  2: 'a process is killed right after it took over the download of a dead one',
  3: 'a process is killed between verifying an image and flushing it to the disk',
  4: 'a process is killed at any step of publishing',
  5: 'a process is killed while it removes an image from the cache',
  6: 'a test run is killed with overlays and leases',
  7: 'a worker thread is terminated, and its process lives on',
  8: 'a process gets SIGTERM, SIGINT or SIGHUP',
  9: 'a process that holds the lock is stopped, and continues after others have taken over',
  10: 'an event loop is blocked for longer than the heartbeat allows',
  11: 'a lock is removed by hand',
  12: 'locking does not work at all',
  13: 'many processes take over one stale lock at the same time',
  14: 'a pid is used again, or is the same in two containers',
  15: 'a reboot or a power cut leaves partial downloads',
  16: 'the clock jumps',
  17: 'a connection is reset in the middle, again and again',
  18: 'a body ends early, with a length or in chunks',
  19: 'a body without a length ends early',
  20: 'a body is longer than it should be, or has no end',
  21: 'a download stalls, at the network or at the disk',
  22: 'a server trickles',
  23: 'a server cannot be reached, or never answers',
  24: 'a server ignores the range',
  25: 'a server sends another range than the one asked for',
  26: 'a server says 416',
  27: 'the file changes at the server between two requests',
  28: 'a server gives no strong validator',
  29: 'a whole file with the wrong digest',
  30: 'one bit flips on the way',
  31: 'a captive portal answers in place of the server',
  32: 'redirects in a loop, to nowhere, to a file, or from https to http',
  33: 'a mirror that lacks the file, or is overloaded',
  34: 'a body in a content encoding',
  35: 'the disk is full, at any step',
  36: 'a disk that is too small takes a sparse file at first',
  37: 'the cache cannot be written, and has the image',
  38: 'the cache cannot be written, and lacks the image',
  39: 'a second user wants to use the cache',
  40: 'the kernel forbids hard links to files of others',
  41: 'links are planted in the cache, or directories that belong to others',
  42: 'leases and images are on different file systems, or there are no hard links',
  43: 'an image is removed from the cache while it is being leased',
  44: 'two versions of the package or of the format, and files nobody knows',
  45: 'an image rots, or somebody writes to it',
  46: 'a packed image is damaged, odd, or a bomb',
  47: 'a program that unpacks is missing, or is killed',
  48: 'the cache is deleted while it is used',
  49: 'the cache is on NFS',
}

/** What none of the tests makes, and what stands in for it. */
export const standIns: readonly (readonly [fault: string, standIn: string])[] = [
  [
    'power loss (4, 15)',
    'No test cuts the power. The order of writing, flushing and renaming is checked, a process is killed at each step, ' +
      'and partial downloads are given tails of zeros and owners of an earlier boot.',
  ],
  [
    'NFS (49)',
    'No test mounts one. Its parts are made one by one: a lock that locks nothing, owners on other machines, file systems ' +
      'without hard links, another file system for the leases.',
  ],
  [
    'macOS',
    'The tests run on Linux. Without `/proc` an owner is judged by its pid alone, which proves only its absence: tests take ' +
      '`/proc` away. What a terminated worker thread leaves there stays until its process ends; its lock goes after 30 s.',
  ],
]
