const char *quern_darwin_sigabbrev(int number)
{
    switch (number) {
    case SIGINT:
        return "INT";
    case SIGTERM:
        return "TERM";
    case SIGHUP:
        return "HUP";
    case SIGUSR1:
        return "USR1";
    default:
        return "?";
    }
}
