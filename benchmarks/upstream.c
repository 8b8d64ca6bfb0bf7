/* Mock DeepSeek-shaped upstream for benchmarks/relay.py: one thread, one epoll loop, loopback only.
 *
 * Answers POST (/v1)/chat/completions, GET (/v1)/models and GET /health on a free port, printed as the
 * first line of stdout. The chunk interval comes from the model name ("mock-20ms"), since gateways drop
 * client headers. Every content chunk carries its send time ("@" CLOCK_MONOTONIC ns).
 * Benchmark tool only: it must not be used as a general HTTP server (no chunked request bodies, no TLS).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FD = 4096, IN_CAP = 16384, OUT_CAP = 49152, CHUNKS = 100, MODEL_CAP = 32 };

typedef struct {
    char in[IN_CAP], out[OUT_CAP], model[MODEL_CAP];
    size_t in_len, out_len, out_sent;
    uint64_t interval_ns; /* pacing of the stream being answered */
    int next_chunk;       /* 0 = no stream in progress, otherwise number of chunks already written */
} conn_t;

static conn_t *conns[MAX_FD];
static uint64_t due[MAX_FD]; /* when the next chunk leaves; 0 = none. Kept apart so that a scan stays in cache. */
static int top_fd, epoll_fd;
static char filler[1400];

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void drop(int fd) {
    due[fd] = 0;
    free(conns[fd]);
    conns[fd] = NULL;
    close(fd);
}

/* Sends what is buffered; waits for EPOLLOUT when the peer is slow. Returns -1 when the connection is gone. */
static int flush_out(int fd, conn_t *c) {
    while (c->out_sent < c->out_len) {
        ssize_t n = send(fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return -1;
        if (n < 0) {
            struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT, .data.fd = fd};
            return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &ev);
        }
        c->out_sent += (size_t)n;
    }
    c->out_sent = c->out_len = 0;
    return 0;
}

static void answer(conn_t *c, int status, const char *body) {
    c->out_len += (size_t)snprintf(c->out + c->out_len, OUT_CAP - c->out_len,
                                   "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                                   status, status == 200 ? "OK" : "Error", strlen(body), body);
}

#define USAGE "{\"prompt_tokens\":112,\"completion_tokens\":300,\"total_tokens\":412,"               \
              "\"prompt_tokens_details\":{\"cached_tokens\":64},\"prompt_cache_hit_tokens\":64,"     \
              "\"prompt_cache_miss_tokens\":48}"

static void answer_completion(conn_t *c) {
    char body[4096];
    snprintf(body, sizeof body,
             "{\"id\":\"930c60df-bf64-41c9-a88e-3ec75f81e00e\",\"object\":\"chat.completion\",\"created\":1760000000,"
             "\"model\":\"%s\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},"
             "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":" USAGE
             ",\"system_fingerprint\":\"fp_8802369eaa_prod0820_fp8_kvcache\"}", c->model, filler);
    answer(c, 200, body);
}

static void answer_models(conn_t *c) {
    static const char *const names[] = {"mock", "mock-0ms", "mock-1ms", "mock-5ms", "mock-20ms"};
    char body[1024];
    size_t len = (size_t)snprintf(body, sizeof body, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        len += (size_t)snprintf(body + len, sizeof body - len,
                                "%s{\"id\":\"%s\",\"object\":\"model\",\"owned_by\":\"mock\"}", i ? "," : "", names[i]);
    snprintf(body + len, sizeof body - len, "]}");
    answer(c, 200, body);
}

/* One SSE event per HTTP chunk, as the hosted API sends them. */
static void append_event(conn_t *c, const char *event, size_t len) {
    c->out_len += (size_t)snprintf(c->out + c->out_len, OUT_CAP - c->out_len, "%zx\r\n%.*s\r\n", len, (int)len, event);
}

static void append_chunk(conn_t *c, int index) {
    char delta[96], event[1024];
    int last = index == CHUNKS - 1;
    if (index == 0)
        snprintf(delta, sizeof delta, "{\"role\":\"assistant\",\"content\":\"\"}");
    else if (last)
        snprintf(delta, sizeof delta, "{\"content\":\"\"}");
    else
        snprintf(delta, sizeof delta, "{\"content\":\" @%llu\"}", (unsigned long long)now_ns());
    int len = snprintf(event, sizeof event,
                       "data: {\"id\":\"930c60df-bf64-41c9-a88e-3ec75f81e00e\",\"object\":\"chat.completion.chunk\","
                       "\"created\":1760000000,\"model\":\"%s\",\"system_fingerprint\":\"fp_8802369eaa_prod0820_fp8_kvcache\","
                       "\"choices\":[{\"index\":0,\"delta\":%s,\"logprobs\":null,\"finish_reason\":%s}],\"usage\":%s}\n\n",
                       c->model, delta, last ? "\"stop\"" : "null", last ? USAGE : "null");
    append_event(c, event, (size_t)len);
    if (last) {
        append_event(c, "data: [DONE]\n\n", 14);
        c->out_len += (size_t)snprintf(c->out + c->out_len, OUT_CAP - c->out_len, "0\r\n\r\n");
    }
}

/* Writes every chunk that is due; with interval 0 that is the whole stream in one write. */
static int advance(int fd, conn_t *c, uint64_t now) {
    while (due[fd] && due[fd] <= now) {
        append_chunk(c, c->next_chunk++);
        due[fd] += c->interval_ns;
        if (c->next_chunk == CHUNKS) c->next_chunk = 0, due[fd] = 0;
    }
    return flush_out(fd, c);
}

static void start_stream(int fd, conn_t *c) {
    unsigned ms = 0;
    sscanf(c->model, "mock-%ums", &ms);
    c->interval_ns = ms * 1000000ull;
    c->next_chunk = 0;
    due[fd] = now_ns();
    c->out_len += (size_t)snprintf(c->out + c->out_len, OUT_CAP - c->out_len,
                                   "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                                   "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n");
}

/* Finds the value after "key": in a JSON body, whatever white space a gateway put around the colon. */
static const char *json_value(const char *body, const char *key) {
    const char *p = strstr(body, key);
    return p ? p + strlen(key) + strspn(p + strlen(key), ": \t\r\n") : NULL;
}

static void handle_completion(int fd, conn_t *c, const char *body) {
    const char *model = json_value(body, "\"model\""), *stream = json_value(body, "\"stream\"");
    if (!model || sscanf(model, "\"%31[A-Za-z0-9._-]\"", c->model) != 1) {
        answer(c, 400, "{\"error\":{\"message\":\"no model\",\"type\":\"invalid_request_error\"}}");
    } else if (stream && !strncmp(stream, "true", 4)) {
        start_stream(fd, c);
    } else {
        answer_completion(c);
    }
}

static void route(int fd, conn_t *c, const char *body) {
    char method[8] = "", path[64] = "";
    sscanf(c->in, "%7s %63s", method, path);
    const char *p = strncmp(path, "/v1/", 4) ? path : path + 3;
    if (!strcmp(method, "POST") && !strcmp(p, "/chat/completions")) handle_completion(fd, c, body);
    else if (!strcmp(method, "GET") && !strcmp(p, "/models")) answer_models(c);
    else if (!strcmp(method, "GET") && !strcmp(p, "/health")) answer(c, 200, "{\"status\":\"ok\"}");
    else answer(c, 404, "{\"error\":{\"message\":\"not found\",\"type\":\"invalid_request_error\"}}");
}

/* Handles one complete request at the start of the input buffer; returns 1 if there was one, -1 if unusable. */
static int take_request(int fd, conn_t *c) {
    c->in[c->in_len] = 0;
    char *end = strstr(c->in, "\r\n\r\n");
    if (!end) return c->in_len + 1 < IN_CAP ? 0 : -1;
    *end = 0;
    const char *length = strcasestr(c->in, "\r\ncontent-length:");
    size_t body_len = length ? strtoul(length + 17, NULL, 10) : 0, total = (size_t)(end + 4 - c->in) + body_len;
    *end = '\r';
    if (total + 1 >= IN_CAP) return -1;
    if (c->in_len < total) return 0;
    char kept = c->in[total];
    c->in[total] = 0;
    route(fd, c, end + 4);
    c->in[total] = kept;
    c->in_len -= total;
    memmove(c->in, c->in + total, c->in_len);
    return 1;
}

static int on_readable(int fd, conn_t *c) {
    ssize_t n = recv(fd, c->in + c->in_len, IN_CAP - 1 - c->in_len, 0);
    if (n < 0 && errno == EAGAIN) return 0;
    if (n <= 0) return -1;
    c->in_len += (size_t)n;
    int got = 1;
    while (got == 1 && !due[fd]) { /* a stream in progress is answered to its end first */
        got = take_request(fd, c);
        if (got == 1 && advance(fd, c, now_ns()) < 0) return -1;
    }
    return got;
}

static void on_accept(int listen_fd) {
    int fd, one = 1;
    while ((fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
        if (fd >= MAX_FD || !(conns[fd] = calloc(1, sizeof(conn_t)))) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (fd > top_fd) top_fd = fd;
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
    }
}

static void on_event(int fd, uint32_t events) {
    conn_t *c = conns[fd];
    int result = c ? 0 : -2;
    if (c && events & EPOLLOUT) {
        struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &ev);
        result = flush_out(fd, c);
    }
    if (!result && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) result = on_readable(fd, c);
    if (result == -1) drop(fd);
}

/* Sends all due chunks and returns the ns until the next one; 1 s when no stream is active. */
static uint64_t run_streams(void) {
    uint64_t now = now_ns(), next = now + 1000000000ull;
    for (int fd = 0; fd <= top_fd; fd++) {
        if (due[fd] && due[fd] <= now && advance(fd, conns[fd], now_ns()) < 0) drop(fd);
        if (due[fd] && due[fd] < next) next = due[fd];
    }
    now = now_ns();
    return next > now ? next - now : 0;
}

static int listen_loopback(void) {
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) < 0 || listen(fd, 2048) < 0) die("listen");
    getsockname(fd, (struct sockaddr *)&addr, &len);
    printf("%d\n", ntohs(addr.sin_port));
    fflush(stdout);
    return fd;
}

int main(void) {
    struct epoll_event events[512];
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlive the benchmark, even if that is killed */
    for (size_t i = 0; i + 1 < sizeof filler; i++) filler[i] = "All tides turn, and every gate answers. "[i % 40];
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listen_fd = listen_loopback();
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = listen_fd};
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &ev) < 0) die("epoll");
    for (;;) {
        uint64_t wait = run_streams();
        struct timespec timeout = {.tv_sec = (time_t)(wait / 1000000000ull), .tv_nsec = (long)(wait % 1000000000ull)};
        int n = epoll_pwait2(epoll_fd, events, 512, &timeout, NULL);
        if (n < 0 && errno != EINTR) die("epoll_pwait2");
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listen_fd) on_accept(listen_fd);
            else on_event(events[i].data.fd, events[i].events);
        }
    }
}
