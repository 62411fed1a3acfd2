/* Replaces transfer.c where there is no libcurl. */
#include "pull.h"

bool quern_cli_transfer_ready(char reason[QUERN_CLI_REASON])
{
    snprintf(reason, QUERN_CLI_REASON, "this quern was built without libcurl, and cannot download");
    return false;
}

enum quern_cli_outcome quern_cli_transfer(struct quern_cli_request *request, char reason[QUERN_CLI_REASON])
{
    request->status = 0;
    request->redirect[0] = '\0';
    quern_cli_transfer_ready(reason);
    return QUERN_CLI_STOP;
}
