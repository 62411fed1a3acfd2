/* flock is in windows_posix.h. */
