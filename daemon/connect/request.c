#include "connect/request.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    connect_ms = 10000,
    stall_bytes_s = 1024,
    stall_s = 60,
    expect_ms = 200,
    redirects_most = 3,
    header_max_bytes = 16384,
    origin_bytes = 300
};

static const int64_t second_us = 1000000, retry_most_us = 3600LL * 1000000,
                     jitter_most_us = 60LL * 1000000;

struct request_client {
    struct request_options options;
    CURL *curl;
    bool started; /* libcurl's global part */

    /* of the question under way */
    bool plain;   /* http, not https */
    bool refused; /* an address was not allowed */
    bool over;    /* the answer is larger than was asked for */
    const struct request_question *question;
    struct buf *body;
    char error[CURL_ERROR_SIZE];
};

/* Addresses ----------------------------------------------------------------------------------- */

struct range {
    const char *address; /* of its family */
    unsigned bits;
};

/* RFC 6890 and what it registers; multicast and reserved are no hosts. */
static const struct range ranges4[] = {
    {"0.0.0.0", 8},      {"10.0.0.0", 8},    {"100.64.0.0", 10},   {"127.0.0.0", 8},
    {"169.254.0.0", 16}, {"172.16.0.0", 12}, {"192.0.0.0", 24},    {"192.0.2.0", 24},
    {"192.168.0.0", 16}, {"198.18.0.0", 15}, {"198.51.100.0", 24}, {"203.0.113.0", 24},
    {"224.0.0.0", 3},
};
static const struct range ranges6[] = {
    {"::", 127},   {"64:ff9b:1::", 48}, {"100::", 64},  {"2001::", 23}, {"2001:db8::", 32},
    {"fc00::", 7}, {"fe80::", 10},      {"fec0::", 10}, {"ff00::", 8},
};
/* IPv4 inside IPv6: mapped, compatible, NAT64, 6to4; and where in it. */
static const struct {
    struct range range;
    unsigned offset;
} inner4[] = {
    {{"::ffff:0:0", 96}, 12}, {{"::", 96}, 12}, {{"64:ff9b::", 96}, 12}, {{"2002::", 16}, 2}};

static bool is_in(int family, const uint8_t *bytes, const struct range *range)
{
    uint8_t start[16] = {0};
    inet_pton(family, range->address, start);
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    if (memcmp(bytes, start, whole) != 0)
        return false;
    return rest == 0 || (bytes[whole] ^ start[whole]) >> (8 - rest) == 0;
}

static bool is_private4(const uint8_t *bytes)
{
    for (size_t i = 0; i < sizeof ranges4 / sizeof *ranges4; i++)
        if (is_in(AF_INET, bytes, &ranges4[i]))
            return true;
    return false;
}

static bool is_private6(const uint8_t *bytes)
{
    for (size_t i = 0; i < sizeof ranges6 / sizeof *ranges6; i++)
        if (is_in(AF_INET6, bytes, &ranges6[i]))
            return true;
    for (size_t i = 0; i < sizeof inner4 / sizeof *inner4; i++)
        if (is_in(AF_INET6, bytes, &inner4[i].range))
            return is_private4(bytes + inner4[i].offset);
    return false;
}

/* The bytes of an address; 0 = not of the Internet. */
static int bytes_of(const struct sockaddr *address, uint8_t bytes[static 16])
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        memcpy(bytes, &in.sin_addr, 4);
        return AF_INET;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        memcpy(bytes, &in.sin6_addr, 16);
        return AF_INET6;
    }
    return 0;
}

bool request_is_private(const struct sockaddr *address)
{
    uint8_t bytes[16];
    switch (bytes_of(address, bytes)) {
    case AF_INET: return is_private4(bytes);
    case AF_INET6: return is_private6(bytes);
    default: return true;
    }
}

bool request_is_loopback(const struct sockaddr *address)
{
    static const uint8_t one[16] = {[15] = 1};
    static const struct range mapped = {"::ffff:127.0.0.0", 104};
    uint8_t bytes[16];
    switch (bytes_of(address, bytes)) {
    case AF_INET: return bytes[0] == 127;
    case AF_INET6: return memcmp(bytes, one, 16) == 0 || is_in(AF_INET6, bytes, &mapped);
    default: return false;
    }
}

/* After the name was resolved, so that one which is bound anew is caught. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct request_client *client = context;
    (void)purpose;
    if ((client->plain && !request_is_loopback(&address->addr)) ||
        (!client->options.allow_private && request_is_private(&address->addr))) {
        client->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* URLs ---------------------------------------------------------------------------------------- */

static bool origin_of(CURLU *parts, char *origin, size_t room)
{
    char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;
    bool ok = !curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) &&
              !curl_url_get(parts, CURLUPART_HOST, &host, 0) &&
              !curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) &&
              curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_NO_USER &&
              (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0);
    if (ok) {
        int length = snprintf(origin, room, "%s://%s:%s", scheme, host, port);
        ok = length > 0 && (size_t)length < room;
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(user);
    return ok;
}

bool request_origin(const char *url, char *origin, size_t room)
{
    CURLU *parts = curl_url();
    bool ok = parts && !curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) &&
              origin_of(parts, origin, room);
    curl_url_cleanup(parts);
    return ok;
}

/* Waiting ------------------------------------------------------------------------------------- */

enum err_kind request_kind(int status)
{
    static const struct {
        int status;
        enum err_kind kind;
    } rows[] = {
        {304, ERR_NONE}, {401, ERR_REFUSED}, {403, ERR_REFUSED},  {404, ERR_GONE},
        {408, ERR_IO},   {410, ERR_GONE},    {409, ERR_CONFLICT}, {412, ERR_CONFLICT},
        {423, ERR_BUSY}, {425, ERR_IO},      {429, ERR_BUSY},     {501, ERR_UNSUPPORTED},
        {503, ERR_BUSY}, {507, ERR_LIMIT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].status == status)
            return rows[i].kind;
    if (status >= 200 && status < 300)
        return ERR_NONE;
    return status >= 500 ? ERR_IO : ERR_UNSUPPORTED;
}

int64_t request_wait_us(int tries, int64_t retry_after_us, uint32_t random)
{
    if (retry_after_us > 0)
        return retry_after_us < second_us       ? second_us
               : retry_after_us > retry_most_us ? retry_most_us
                                                : retry_after_us;
    int64_t most = second_us;
    for (int i = 0; i < tries && most < jitter_most_us; i++)
        most *= 2;
    most = most < jitter_most_us ? most : jitter_most_us;
    return (int64_t)((uint64_t)most * random >> 32);
}

/* A client ------------------------------------------------------------------------------------ */

struct request_client *request_open(const struct request_options *options, struct err *err)
{
    struct request_client *client = mem_zalloc(1, sizeof *client);
    if (client) {
        client->options = *options;
        client->started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
        client->curl = client->started ? curl_easy_init() : NULL;
        if (client->curl)
            return client;
    }
    request_close(client);
    err_set(err, ERR_MEMORY, "out of memory");
    return NULL;
}

void request_close(struct request_client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    if (client->started)
        curl_global_cleanup();
    mem_free(client);
}

static size_t take(char *bytes, size_t size, size_t count, void *context)
{
    struct request_client *client = context;
    size_t length = size * count, room = client->question->answer_most - client->body->length;
    client->over = client->over || length > room;
    if (!buf_append(client->body, bytes, length < room ? length : room))
        return 0;
    return client->over ? 0 : length;
}

static int look(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct request_client *client = context;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return client->options.stop && atomic_load(client->options.stop);
}

/* Nothing in a name or value may end its line. */
static bool is_line(const char *text)
{
    return text && !strpbrk(text, "\r\n");
}

static bool has_header(const struct request_question *question, const char *name)
{
    for (size_t i = 0; i < question->header_count; i++)
        if (strcasecmp(question->headers[i].name, name) == 0)
            return true;
    return false;
}

static bool add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *more = curl_slist_append(*list, line);
    *list = more ? more : *list;
    return more != NULL;
}

/* NULL: memory, or a header that is none. */
static struct curl_slist *headers_of(const struct request_question *question)
{
    struct curl_slist *list = NULL;
    bool ok = add_line(&list, "Accept: */*");
    if (question->body && !has_header(question, "Content-Type"))
        ok = ok && add_line(&list, "Content-Type:"); /* libcurl would say it is a form */
    for (size_t i = 0; ok && i < question->header_count; i++) {
        const struct request_header *header = &question->headers[i];
        own_buf struct buf line = buf_new(header_max_bytes);
        ok = is_line(header->name) && is_line(header->value) &&
             buf_printf(&line, "%s: %s", header->name, header->value) &&
             add_line(&list, buf_text(&line));
    }
    if (ok)
        return list;
    curl_slist_free_all(list);
    return NULL;
}

static void set_bounds(struct request_client *client, const struct request_question *question)
{
    CURL *curl = client->curl;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    if (client->options.ca_file) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, client->options.ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)stall_bytes_s);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)stall_s);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)((question->most_us + 999) / 1000));
    curl_easy_setopt(curl, CURLOPT_EXPECT_100_TIMEOUT_MS, (long)expect_ms);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, client);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, client);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error);
}

static bool holds(const char *text, const char *secret)
{
    return secret && *secret && strstr(text, secret);
}

/* What libcurl says, unless it says too much. */
static const char *safe_text(const struct request_client *client, const char *url, CURLcode code)
{
    const struct request_question *question = client->question;
    const char *host = strstr(url, "://"), *path = host ? strchr(host + 3, '/') : NULL;
    bool tells = path && path[1] && strstr(client->error, path);
    for (size_t i = 0; i < question->header_count; i++)
        tells = tells ||
                (question->headers[i].secret && holds(client->error, question->headers[i].value));
    return *client->error && !tells ? client->error : curl_easy_strerror(code);
}

static bool failed(struct request_client *client, const char *url, const char *origin,
                   CURLcode code, struct err *err)
{
    const char *method = client->question->method;
    if (client->refused)
        return err_set(err, ERR_REFUSED, "%s %s: %s", method, origin,
                       client->plain ? "plain HTTP is for this machine alone; use https"
                                     : "the address is private, which is not allowed here");
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return err_set(err, ERR_STOPPED, "%s %s: the daemon stops", method, origin);
    if (client->over)
        return err_set(err, ERR_LIMIT, "%s %s: the answer is larger than %zu bytes", method, origin,
                       client->question->answer_most);
    if (code == CURLE_OUT_OF_MEMORY || client->body->failed)
        return err_set(err, ERR_MEMORY, "%s %s: out of memory", method, origin);
    return err_set(err, ERR_IO, "%s %s: %.250s", method, origin, safe_text(client, url, code));
}

static CURLcode perform(struct request_client *client, const char *url, struct curl_slist *headers)
{
    CURL *curl = client->curl;
    const struct request_question *question = client->question;
    curl_easy_reset(curl);
    set_bounds(client, question);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (question->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, question->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)question->body_length);
    } else if (strcmp(question->method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, question->method);
    client->refused = client->over = false;
    *client->error = '\0';
    buf_reset(client->body);
    return curl_easy_perform(curl);
}

/* Where a redirect leads, when it may be followed; mem_free it. */
static char *next_url(const struct request_client *client, int status, const char *origin)
{
    char *url = NULL, other[origin_bytes];
    const char *method = client->question->method;
    if (!client->question->follow || status < 301 || status > 308 || status == 304 ||
        (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) ||
        curl_easy_getinfo(client->curl, CURLINFO_REDIRECT_URL, &url) != CURLE_OK || !url)
        return NULL;
    bool same = request_origin(url, other, sizeof other) && strcasecmp(origin, other) == 0;
    return same ? mem_strdup(url) : NULL;
}

static bool ask(struct request_client *client, const char *origin, struct curl_slist *headers,
                struct request_answer *answer, struct err *err)
{
    char *url = mem_strdup(client->question->url);
    bool ok = url || err_set(err, ERR_MEMORY, "out of memory");
    for (int hops = 0; ok && url; hops++) {
        long status = 0;
        curl_off_t retry_s = 0;
        CURLcode code = perform(client, url, headers);
        curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &retry_s);
        bool cut = client->over && client->question->answer_cut && status > 0;
        ok = code == CURLE_OK || cut || failed(client, url, origin, code, err);
        answer->status = (int)status;
        answer->retry_after_us = retry_s <= 0      ? 0
                                 : retry_s >= 3600 ? retry_most_us
                                                   : (int64_t)retry_s * second_us;
        char *next = ok && hops < redirects_most ? next_url(client, answer->status, origin) : NULL;
        mem_free(url);
        url = next;
    }
    mem_free(url);
    return ok;
}

bool request_send(struct request_client *client, const struct request_question *question,
                  struct request_answer *answer, struct err *err)
{
    char origin[origin_bytes];
    *answer = (struct request_answer){.body = buf_new(question->answer_most + 1)};
    if (!request_origin(question->url, origin, sizeof origin))
        return err_set(err, ERR_CONFIG,
                       "not a URL of https (or http on this machine), or one "
                       "with a user in it");
    struct curl_slist *headers = headers_of(question);
    if (!headers)
        return err_set(err, ERR_USAGE, "%s %s: out of memory, or a header with a line end",
                       question->method, origin);
    client->question = question;
    client->body = &answer->body;
    client->plain = strncmp(origin, "http:", 5) == 0;
    bool ok = ask(client, origin, headers, answer, err);
    curl_slist_free_all(headers);
    client->question = NULL;
    client->body = NULL;
    return ok;
}

const char *request_header(struct request_client *client, const char *name)
{
    struct curl_header *header = NULL;
    return curl_easy_header(client->curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
               ? header->value
               : NULL;
}
