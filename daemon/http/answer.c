#include "http/answer.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { answer_max_bytes = 64 << 20, retry_standard_s = 60 };

static const struct {
    unsigned status;
    const char *title;
} titles[] = {
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {421, "Misdirected Request"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
};

const char *answer_title(unsigned status)
{
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

static void drop(struct answer *answer)
{
    json_decref(answer->json);
    mem_free(answer->text);
    answer->json = NULL;
    answer->text = NULL;
}

void answer_problem(struct answer *answer, unsigned status, const char *format, ...)
{
    va_list args;
    drop(answer);
    answer->status = status;
    va_start(args, format);
    vsnprintf(answer->problem, sizeof answer->problem, format, args);
    va_end(args);
}

static json_t *problem_json(const struct answer *answer)
{
    const char *title = answer_title(answer->status);
    return json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title", title, "status",
                     (int)answer->status, "detail", *answer->problem ? answer->problem : title);
}

static void add_headers(struct MHD_Response *response, const struct answer *answer,
                        const char *type)
{
    static const struct {
        const char *name, *value;
    } headers[] = {
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"Content-Security-Policy", "default-src 'none'"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        MHD_add_response_header(response, headers[i].name, headers[i].value);
    MHD_add_response_header(response, "Content-Type", type);
    if (answer->status == 401)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    if (answer->allow)
        MHD_add_response_header(response, "Allow", answer->allow);
    if (answer->stopped_us) { /* labelctl tells it with each command */
        char value[48] = "stopped; since=";
        clock_format(answer->stopped_us, value + strlen(value));
        MHD_add_response_header(response, "Labeld-Acting", value);
    }
    if (answer->status == 503 || answer->status == 429) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%u",
                 answer->retry_s ? answer->retry_s : (unsigned)retry_standard_s);
        MHD_add_response_header(response, "Retry-After", seconds);
    }
}

/* The body: JSON with a line's end, or the text as it is. */
static bool write_body(const struct answer *answer, struct buf *body)
{
    if (answer->text)
        return buf_puts(body, answer->text);
    own_json json_t *problem = answer->json ? NULL : problem_json(answer);
    const json_t *json = answer->json ? answer->json : problem;
    return json && json_write(json, body) && buf_putc(body, '\n');
}

bool answer_send(struct answer *answer, struct MHD_Connection *connection)
{
    own_buf struct buf body = buf_new(answer_max_bytes);
    bool problem = !answer->json && !answer->text;
    if (answer->status == 0)
        answer->status = 200;
    bool ok = write_body(answer, &body);
    drop(answer);
    struct MHD_Response *response =
        ok ? MHD_create_response_from_buffer(body.length, body.bytes, MHD_RESPMEM_MUST_COPY) : NULL;
    if (!response)
        return false;
    add_headers(response, answer,
                problem        ? "application/problem+json"
                : answer->type ? answer->type
                               : "application/json");
    ok = MHD_queue_response(connection, answer->status, response) == MHD_YES;
    MHD_destroy_response(response);
    return ok;
}
