/* Closed-loop load generator for benchmarks/relay.py: keep-alive connections to 127.0.0.1, one epoll loop.
 *
 * load PORT MODEL STREAM CONNECTIONS PER_CONNECTION DURATION_MS STAGGER_US   (PER_CONNECTION 0: no limit)
 * The bearer token is taken from BENCH_CLIENT_KEY. Prints one JSON object; the delay of a chunk is its arrival
 * time less the send time ("@" CLOCK_MONOTONIC ns) that the mock upstream wrote into it.
 * Benchmark tool only: it talks to loopback and nowhere else, and every run ends by itself.
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
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONN = 1024, LINE_CAP = 16384, CHUNKS = 100, STAMPED = CHUNKS - 2, MAX_ERRORS = 1000 };
#define GRACE_NS 10000000000ull /* how long answers may be outstanding after the end of a run */

typedef enum { HEAD, SIZED, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER } state_t;

typedef struct {
    state_t state;
    int fd, busy, done, close_after, status, events, stamped, saw_done, saw_usage;
    uint64_t started, first, left;
    size_t head_len, line_len;
    char head[LINE_CAP], line[LINE_CAP];
} conn_t;

typedef struct {
    uint64_t *v;
    size_t n, cap;
} samples_t;

static conn_t *conns;
static samples_t latency, ttft, delay;
static int port, stream, n_conn, per_conn, epoll_fd, active;
static uint64_t ok, errors, lost, chunks, reconnects, end_at, last_done;
static char request[2048];
static size_t request_len;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void add(samples_t *s, uint64_t value) {
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 65536;
        if (!(s->v = realloc(s->v, s->cap * sizeof *s->v))) die("realloc");
    }
    s->v[s->n++] = value;
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void print_samples(const char *name, samples_t *s) {
    qsort(s->v, s->n, sizeof *s->v, by_value);
    uint64_t p50 = s->n ? s->v[(s->n - 1) / 2] : 0, p99 = s->n ? s->v[(s->n - 1) * 99 / 100] : 0;
    printf("\"%s_p50_us\":%.3f,\"%s_p99_us\":%.3f,", name, (double)p50 / 1e3, name, (double)p99 / 1e3);
}

/* Connects while blocking (a full backlog must not count as latency), then switches to non-blocking. */
static void open_conn(conn_t *c) {
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    int one = 1;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&addr, sizeof addr) < 0) die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0) die("epoll_ctl");
}

static void reopen(conn_t *c) {
    close(c->fd);
    reconnects++;
    open_conn(c);
}

static void start_request(conn_t *c) {
    c->state = HEAD;
    c->busy = 1;
    c->close_after = c->events = c->stamped = c->saw_done = c->saw_usage = 0;
    c->head_len = c->line_len = 0;
    c->first = 0;
    c->started = now_ns();
    if (send(c->fd, request, request_len, MSG_NOSIGNAL) != (ssize_t)request_len) shutdown(c->fd, SHUT_RDWR);
}

static void finish(conn_t *c, int complete, uint64_t now) {
    if (complete && c->status == 200 && c->saw_usage) {
        ok++;
        add(&latency, now - c->started);
        if (stream) add(&ttft, c->first - c->started);
    } else {
        errors++;
    }
    if (stream && !(c->saw_done && c->events == CHUNKS && c->stamped == STAMPED)) lost++;
    c->busy = 0;
    c->done++;
    last_done = now;
    if (!complete || c->close_after) reopen(c);
    if ((per_conn && c->done >= per_conn) || now >= end_at || errors >= MAX_ERRORS) active--;
    else start_request(c);
}

/* One line of the answer: an SSE event, or (part of) the JSON body. Gateways may re-write the JSON, so only
 * markers are looked for. */
static void on_line(conn_t *c, uint64_t now) {
    c->line[c->line_len] = 0;
    c->line_len = 0;
    if (strstr(c->line, "\"total_tokens\"")) c->saw_usage = 1;
    if (!stream || strncmp(c->line, "data:", 5)) return;
    if (strstr(c->line, "[DONE]")) {
        c->saw_done = 1;
        return;
    }
    const char *stamp = strchr(c->line, '@');
    if (stamp) {
        add(&delay, now - strtoull(stamp + 1, NULL, 10));
        c->stamped++;
    }
    if (!c->events++) c->first = now;
    chunks++;
}

static void on_body(conn_t *c, const char *p, size_t n, uint64_t now) {
    while (n) {
        const char *eol = memchr(p, '\n', n);
        size_t take = eol ? (size_t)(eol - p) : n, room = LINE_CAP - 1 - c->line_len;
        memcpy(c->line + c->line_len, p, take < room ? take : room);
        c->line_len += take < room ? take : room;
        if (eol) on_line(c, now), take++;
        p += take, n -= take;
    }
}

static void on_head(conn_t *c) {
    c->head[c->head_len] = 0;
    const char *length = strcasestr(c->head, "\r\ncontent-length:");
    c->status = 0;
    sscanf(c->head, "HTTP/1.1 %d", &c->status);
    c->close_after = strcasestr(c->head, "\r\nconnection: close") != NULL;
    c->state = length ? SIZED : CHUNK_SIZE;
    c->left = length ? strtoull(length + 17, NULL, 10) : 0;
    c->head_len = 0;
}

/* Collects one CRLF-ended line (or the whole head) in c->head; returns the bytes used, sets *full at its end. */
static size_t collect(conn_t *c, const char *p, size_t n, const char *end, int *full) {
    size_t used = 0, end_len = strlen(end);
    while (used < n && c->head_len < LINE_CAP - 1 && !*full) {
        c->head[c->head_len++] = p[used++];
        *full = c->head_len >= end_len && !memcmp(c->head + c->head_len - end_len, end, end_len);
    }
    return used;
}

/* Consumes a part of the input according to the state; sets *complete at the end of the answer. */
static size_t step(conn_t *c, const char *p, size_t n, uint64_t now, int *complete) {
    int full = 0;
    if (c->state == SIZED || c->state == CHUNK_DATA) {
        size_t take = n < c->left ? n : c->left;
        on_body(c, p, take, now);
        c->left -= take;
        if (!c->left && c->state == CHUNK_DATA) c->state = CHUNK_END;
        else *complete = !c->left;
        return take;
    }
    size_t used = collect(c, p, n, c->state == HEAD ? "\r\n\r\n" : "\r\n", &full);
    if (!full) return used;
    if (c->state == HEAD) {
        on_head(c);
        *complete = c->state == SIZED && !c->left;
        return used;
    }
    if (c->state == CHUNK_SIZE) c->left = strtoull(c->head, NULL, 16), c->state = c->left ? CHUNK_DATA : TRAILER;
    else if (c->state == CHUNK_END) c->state = CHUNK_SIZE;
    else *complete = c->head_len == 2; /* an empty line ends the trailer */
    c->head_len = 0;
    return used;
}

static void on_readable(conn_t *c) {
    static char buf[262144];
    ssize_t n = recv(c->fd, buf, sizeof buf, MSG_DONTWAIT);
    uint64_t now = now_ns();
    int complete = 0;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0 && c->busy) {
        finish(c, 0, now);
    } else if (n <= 0) {
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, c->fd, NULL); /* an idle connection was closed: no fault */
    } else if (c->busy) {
        for (size_t used = 0; used < (size_t)n && !complete;) {
            size_t took = step(c, buf + used, (size_t)n - used, now, &complete);
            if (!took && !complete) { /* a line longer than the buffer: not an answer of ours */
                finish(c, 0, now);
                return;
            }
            used += took;
        }
        if (complete) {
            if (c->line_len) on_line(c, now);
            finish(c, 1, now);
        }
    }
}

static void build_request(const char *model) {
    const char *key = getenv("BENCH_CLIENT_KEY");
    char body[1024], prompt[401];
    for (size_t i = 0; i < 400; i++) prompt[i] = "Tell me about the tide and the gate. "[i % 37];
    prompt[400] = 0;
    int len = snprintf(body, sizeof body, "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],"
                       "\"stream\":%s%s}", model, prompt, stream ? "true" : "false",
                       stream ? ",\"stream_options\":{\"include_usage\":true}" : "");
    request_len = (size_t)snprintf(request, sizeof request,
                                   "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                                   "Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
                                   "Accept: */*\r\nContent-Length: %d\r\n\r\n%s", port, key ? key : "none", len, body);
    if (request_len >= sizeof request) die("request too long");
}

static void run(uint64_t begin, uint64_t stagger) {
    struct epoll_event events[512];
    int started = 0;
    active = n_conn;
    for (uint64_t now = begin; active && now < end_at + GRACE_NS; now = now_ns()) {
        /* Starts are spread over one chunk interval, or all streams would tick in step. */
        while (started < n_conn && now >= begin + (uint64_t)started * stagger) start_request(&conns[started++]);
        uint64_t wait = started < n_conn ? begin + (uint64_t)started * stagger - now : 100000000ull;
        struct timespec timeout = {.tv_nsec = (long)(wait < 100000000ull ? wait : 100000000ull)};
        int n = epoll_pwait2(epoll_fd, events, 512, &timeout, NULL);
        if (n < 0 && errno != EINTR) die("epoll_pwait2");
        for (int i = 0; i < n; i++) on_readable(events[i].data.ptr);
    }
    for (int i = 0; i < n_conn; i++)
        if (conns[i].busy) errors++, lost += (uint64_t)stream;
}

int main(int argc, char **argv) {
    if (argc != 8) return fprintf(stderr, "usage: see the head of load.c\n"), 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlive the benchmark, even if that is killed */
    port = atoi(argv[1]), stream = atoi(argv[3]), n_conn = atoi(argv[4]), per_conn = atoi(argv[5]);
    if (n_conn < 1 || n_conn > MAX_CONN) return fprintf(stderr, "load: 1 to %d connections\n", MAX_CONN), 2;
    build_request(argv[2]);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    conns = calloc((size_t)n_conn, sizeof *conns);
    if (epoll_fd < 0 || !conns) die("start");
    for (int i = 0; i < n_conn; i++) open_conn(&conns[i]);
    uint64_t begin = now_ns();
    end_at = begin + strtoull(argv[6], NULL, 10) * 1000000ull;
    run(begin, strtoull(argv[7], NULL, 10) * 1000ull);
    double seconds = (double)(last_done > begin ? last_done - begin : 1) / 1e9;
    printf("{");
    print_samples("latency", &latency);
    print_samples("ttft", &ttft);
    print_samples("delay", &delay);
    printf("\"ok\":%llu,\"errors\":%llu,\"lost\":%llu,\"chunks\":%llu,\"reconnects\":%llu,\"seconds\":%.6f}\n",
           (unsigned long long)ok, (unsigned long long)errors, (unsigned long long)lost, (unsigned long long)chunks,
           (unsigned long long)reconnects, seconds);
    return 0;
}
