"""The numbered rules of secrets: keys, tokens, passwords, and what holds them.

A prefix that a provider gave its keys is the best proof there is; sources are the providers' own pages.
"""

from __future__ import annotations

from tidegate.privacy.rulebook import define


def _secret(number: int, title: str, why: str, source: str) -> str:
    return define(f"SEN{number:03}", "secret", title, why, source).code


PRIVATE_KEY = _secret(
    50,
    "private key",
    "A PEM block of a private key, also one whose end was cut off; and keys of age.",
    "RFC 7468; RFC 4716; OpenSSH PROTOCOL.key",
)
DEEPSEEK = _secret(
    51,
    "DeepSeek API key",
    "`sk-` and 32 lower-case hexadecimal digits or letters. Alibaba's model service gives keys of the same form.",
    "platform.deepseek.com, form of its keys; api-docs.deepseek.com",
)
OPENAI = _secret(
    52,
    "OpenAI API key",
    "`sk-` with its kind (proj, svcacct, admin) or of the old form, and others' keys that begin with `sk-`.",
    "platform.openai.com/docs/api-reference/authentication",
)
ANTHROPIC = _secret(53, "Anthropic API key", "`sk-ant-` and its kind.", "docs.anthropic.com, API overview")
GOOGLE = _secret(
    54,
    "Google key or token",
    "`AIza` and 35 characters, an OAuth token `ya29.`, a client secret `GOCSPX-`, or a service account's key id.",
    "cloud.google.com/docs/authentication/api-keys; cloud.google.com/iam/docs/keys-create-delete",
)
HUGGING_FACE = _secret(
    55, "Hugging Face token", "`hf_` or `api_org_` and 34 letters.", "huggingface.co/docs/hub/security-tokens"
)
GITHUB = _secret(
    56,
    "GitHub token",
    "`ghp_`, `gho_`, `ghu_`, `ghs_`, `ghr_` or `github_pat_`.",
    "github.blog, Behind GitHub's new authentication token formats, 2021-04-05",
)
GITLAB = _secret(57, "GitLab token", "`glpat-` and its relatives.", "docs.gitlab.com/security/tokens, token prefixes")
SLACK = _secret(
    58,
    "Slack token or webhook",
    "`xoxb-`, `xoxp-`, `xapp-` and relatives, or a webhook's address.",
    "api.slack.com/concepts/token-types",
)
STRIPE = _secret(59, "Stripe key", "`sk_live_`, `rk_live_`, their test forms, or `whsec_`.", "docs.stripe.com/keys")
AWS = _secret(
    60,
    "AWS access key",
    "An access key's id by its prefix (AKIA, ASIA), or a secret that is assigned to an AWS name, or of 40 "
    "characters that change as by chance near words such as aws, secret or 密钥.",
    "docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
)
AZURE = _secret(
    61,
    "Azure key",
    "A storage or service-bus key, a shared access signature, or an application's client secret.",
    "learn.microsoft.com/azure/storage/common/storage-configure-connection-string",
)
ALIYUN = _secret(63, "Alibaba Cloud access key", "`LTAI` and 12 to 26 characters.", "help.aliyun.com, AccessKey pair")
TENCENT = _secret(64, "Tencent Cloud secret id", "`AKID` and 32 to 40 characters.", "cloud.tencent.com, CAM API keys")
REGISTRY = _secret(
    65,
    "package or image registry token",
    "`npm_`, `pypi-`, `rubygems_`, `dckr_pat_` and the like.",
    "npm documentation, about access tokens; PyPI help, API tokens; Docker documentation, access tokens",
)
MESSAGING = _secret(
    66,
    "token of a mail or chat service",
    "SendGrid, Mailgun, Twilio, Telegram, Discord, by their own forms.",
    "the services' API documentation on authentication",
)
PROVIDER = _secret(
    67,
    "key of another provider",
    "A prefix of its own: Groq, xAI, Perplexity, Replicate, Notion, DigitalOcean, Shopify, Vault, Grafana and others.",
    "the providers' API documentation on authentication",
)
JWT = _secret(
    68,
    "JSON Web Token",
    "Two base64url parts that begin as JSON objects do, and mostly a signature; also wrapped over lines.",
    "RFC 7519; RFC 7515",
)
AUTHORIZATION = _secret(
    69,
    "Authorization header",
    "`Bearer`, `Token` or `Basic` and what follows; also `curl -u` and keys in headers of their own.",
    "RFC 6750; RFC 7617",
)
URL_PASSWORD = _secret(
    70, "address with user and password", "`scheme://user:password@host`.", "RFC 3986, section 3.2.1"
)
CONNECTION = _secret(
    71,
    "connection string with a password",
    "`Key=value;` pairs as ODBC, ADO.NET and libpq write them, or a database's address such as `jdbc:...?password=`.",
    "learn.microsoft.com/dotnet/framework/data/adonet/connection-string-syntax",
)
KUBERNETES = _secret(
    72,
    "value of a Kubernetes Secret",
    "Base64 under `data` of an object of kind Secret: encoded, not encrypted.",
    "kubernetes.io/docs/concepts/configuration/secret",
)
PASSWORD = _secret(
    73,
    "password",
    "What is assigned to a name such as password or 密码 and is random enough: 2.5 bits per character with a digit, "
    "or 3.2 without.",
    "CWE-798, CWE-259; thresholds measured 2026-11-22",
)
SECRET = _secret(
    74,
    "key or token by its name",
    "What is assigned to a name such as api_key, secret or 密钥 and is random enough.",
    "CWE-798; thresholds measured 2026-11-22",
)
