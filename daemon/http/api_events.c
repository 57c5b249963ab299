/* Events: what changes, as it becomes durable. */
#include "http/api_parts.h"
#include "http/events.h"

enum { retry_s = 5 };

void api_events_listen(struct api *api, const struct request *request, struct answer *answer)
{
    answer->stream = events_listen(api->events, request->caller.token, request->last);
    if (answer->stream)
        return;
    answer_problem(answer, 503, "too many listen (limits.event_listeners)");
    answer->retry_s = retry_s;
}
