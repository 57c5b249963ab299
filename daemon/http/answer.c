#include "http/answer.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/events.h"

enum { answer_max_bytes = 64 << 20, retry_standard_s = 60, stream_block_bytes = 4096 };

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

void answer_fini(struct answer *answer)
{
    json_decref(answer->json);
    json_decref(answer->more);
    mem_free(answer->text);
    if (answer->file_name)
        close(answer->file);
    if (answer->stream)
        events_leave(answer->stream);
    answer->json = answer->more = NULL;
    answer->text = NULL;
    answer->file_name = NULL;
    answer->stream = NULL;
}

void answer_file(struct answer *answer, int fd, const char *name)
{
    answer_fini(answer);
    answer->status = name ? 200 : 503;
    answer->file = fd;
    answer->file_name = name;
    if (!name)
        close(fd);
}

void answer_bytes(struct answer *answer, struct buf *bytes, const char *type)
{
    answer_fini(answer);
    answer->status = 200;
    answer->text_length = bytes->length;
    answer->text = buf_take(bytes);
    answer->type = type;
}

void answer_problem(struct answer *answer, unsigned status, const char *format, ...)
{
    va_list args;
    answer_fini(answer);
    answer->status = status;
    va_start(args, format);
    vsnprintf(answer->problem, sizeof answer->problem, format, args);
    va_end(args);
}

static json_t *problem_json(const struct answer *answer)
{
    const char *title = answer_title(answer->status);
    json_t *json =
        json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title", title, "status",
                  (int)answer->status, "detail", *answer->problem ? answer->problem : title);
    if (json && answer->more)
        json_object_update_missing(json, answer->more);
    return json;
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
    char tag[32];
    if (answer->version > 0) {
        snprintf(tag, sizeof tag, "\"%lld\"", (long long)answer->version);
        MHD_add_response_header(response, "ETag", tag);
    }
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
        return buf_append(body, answer->text,
                          answer->text_length ? answer->text_length : strlen(answer->text));
    own_json json_t *problem = answer->json ? NULL : problem_json(answer);
    const json_t *json = answer->json ? answer->json : problem;
    return json && json_write(json, body) && buf_putc(body, '\n');
}

static struct MHD_Response *make_response(const struct answer *answer)
{
    own_buf struct buf body = buf_new(answer_max_bytes);
    if (!write_body(answer, &body))
        return NULL;
    return MHD_create_response_from_buffer(body.length, body.bytes, MHD_RESPMEM_MUST_COPY);
}

/* The descriptor is the response's afterwards. */
static struct MHD_Response *make_file(struct answer *answer)
{
    struct stat st;
    char header[96];
    struct MHD_Response *response =
        fstat(answer->file, &st) == 0
            ? MHD_create_response_from_fd64((uint64_t)st.st_size, answer->file)
            : NULL;
    if (!response)
        return NULL;
    snprintf(header, sizeof header, "attachment; filename=\"%s\"", answer->file_name);
    answer->file_name = NULL;
    MHD_add_response_header(response, "Content-Disposition", header);
    return response;
}

/* The listener is the response's afterwards. */
static struct MHD_Response *make_stream(struct answer *answer, struct MHD_Connection *connection)
{
    events_attach(answer->stream, connection);
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, stream_block_bytes, events_read, answer->stream, events_leave);
    if (!response)
        return NULL;
    answer->stream = NULL;
    answer->type = "text/event-stream";
    MHD_add_response_header(response, "X-Accel-Buffering", "no"); /* proxies hand each on at once */
    return response;
}

static struct MHD_Response *make(struct answer *answer, struct MHD_Connection *connection)
{
    return answer->stream      ? make_stream(answer, connection)
           : answer->file_name ? make_file(answer)
                               : make_response(answer);
}

bool answer_send(struct answer *answer, struct MHD_Connection *connection)
{
    bool file = answer->file_name != NULL;
    bool problem = !answer->json && !answer->text && !file && !answer->stream;
    if (answer->status == 0)
        answer->status = 200;
    answer->version = json_integer_value(json_object_get(answer->json, "version"));
    struct MHD_Response *response = make(answer, connection);
    answer_fini(answer);
    if (!response)
        return false;
    add_headers(response, answer,
                problem        ? "application/problem+json"
                : file         ? "application/octet-stream"
                : answer->type ? answer->type
                               : "application/json");
    bool ok = MHD_queue_response(connection, answer->status, response) == MHD_YES;
    MHD_destroy_response(response);
    return ok;
}
