#include "connect/connector.h"

#include <string.h>

#include "connect/localdir.h"

static const struct connector *const connectors[] = {&localdir_connector};
static const char *const planned[] = {"s3", "azure-blob", "webdav", "google-drive", "graph"};

const struct connector *connect_find(const char *kind)
{
    for (size_t i = 0; i < sizeof connectors / sizeof *connectors; i++)
        if (strcmp(connectors[i]->kind, kind) == 0)
            return connectors[i];
    return NULL;
}

bool connect_is_planned(const char *kind)
{
    for (size_t i = 0; i < sizeof planned / sizeof *planned; i++)
        if (strcmp(planned[i], kind) == 0)
            return true;
    return false;
}
