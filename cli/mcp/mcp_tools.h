/* The tools of quern mcp: search, embed and add. */
#ifndef QUERN_MCP_TOOLS_H
#define QUERN_MCP_TOOLS_H

#include "followed_index.h"
#include "mcp_protocol.h"
#include "search/search.h"

/* search, embed and add, in this order; a server that must not write leaves the last one out. */
enum { QUERN_MCP_TOOLS = 3 };
extern const struct quern_mcp_tool quern_mcp_tools[QUERN_MCP_TOOLS];

struct quern_mcp_toolbox {
    struct quern_mcp_protocol *protocol;
    const struct quern_cli_session *session;
    struct quern_followed_index index; /* its file need not be there yet */
    char *model_name;                  /* as a new index names the model */
    char **allowed;                    /* [allowed_count]: folders whose files may be added, absolute, without links */
    int allowed_count;
};

/* Runs a call, whose tool is one of the above. Returns its result, which is freed; data NULL without memory. */
quern_text quern_mcp_run_tool(void *toolbox, const struct quern_mcp_call *call);

#endif
