"""Labelled sentences with names and addresses, English and Chinese, made from own templates; and sentences with none.

The templates were written before the detectors were tuned, those of `HELD_OUT` after a first tuning with the others;
`RARE` has uncommon names and no tuning has seen it. All names are made up from lists of common parts.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidegate.core.findings import Finding

PERSON, PLACE = "SEN085", "SEN086"
WRITTEN: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

ADDRESSES_EN = (
    "14 Maple Street, Springfield, IL 62704",
    "221 Harbour Road",
    "9 Queen Anne Terrace",
    "4502 N. Lincoln Avenue, Apt 12B",
    "77 King's Court, Leeds",
    "1600 Fairview Drive, Portland, OR 97205",
    "PO Box 4471",
    "38 St. Mary's Lane",
    "5 Chapel Walk, Manchester M2 1HN",
    "803 West Oak Boulevard, Suite 400",
)
ENGLISH = (
    "My name is {p} and I live at {a}.",
    "Please draft a reply to {p}, who complained about the late delivery.",
    "Patient: {p}, born in {t}, was admitted with chest pain last night.",
    "The contract between {p} and {p} was signed on Monday.",
    "Ship the package to {p}, {a}.",
    "Could you summarise the e-mail that {p} sent me yesterday?",
    "{p} moved from {t} to {t} in 2019 to work as a nurse.",
    "Dear Mr. {f}, thank you for your application.",
    "Write a reference letter for {p}, my former student.",
    "According to Dr. {f}, the biopsy was negative.",
    "Meeting notes: {p} will call the landlord, {p} pays the deposit.",
    "Our customer {p} wants the refund sent to {a}.",
    "the salary of {p} is to be raised by 4 percent",
    "Who was on call when {p} reported the outage?",
    "{p}'s landlord lives in {t}.",
    "Name: {p}\nAddress: {a}\nDiagnosis: asthma",
)
CLEAN_EN = (
    "Explain the difference between a list and a tuple.",
    "Write a function that merges two sorted arrays in linear time.",
    "def parse(line: str) -> dict[str, int]:\n    return {key: int(value) for key, value in pairs(line)}",
    "What is the best way to cook rice without a lid?",
    "SELECT id, total FROM orders WHERE created_at > NOW() - INTERVAL '7 days';",
    "The quarterly report should mention revenue, margin and headcount.",
    "Translate into French: the weather is nice today.",
    "How do tides work, and why are there two of them a day?",
    "Refactor this class so that it no longer depends on global state.",
    "Give me ten ideas for a birthday cake with strawberries.",
    "The build fails with exit code 137; is the container out of memory?",
    "Compare Kubernetes and Docker Swarm for a team of five.",
    "for (let i = 0; i < items.length; i++) { total += items[i].price; }",
    "Summarise the plot of a typical detective novel in three sentences.",
    "Which database index helps a query that sorts by date?",
    "Our roadmap for the second quarter has three goals: speed, safety and price.",
    "Please convert 45 miles per hour to metres per second.",
    "What does the HTTP status 429 mean, and how should a client react?",
    "Describe photosynthesis to a child of eight.",
    "README: run make test, then open the browser on port 8080.",
    "Use React with TypeScript and store the tokens in an HttpOnly cookie.",
    "Install PostgreSQL 16 on Ubuntu and tune shared_buffers.",
    "Is Python or Rust the better choice for a command line tool?",
    "Dear customer, your parcel is on its way and will arrive on Friday.",
)

ADDRESSES_ZH = (
    "北京市海淀区知春路27号院3号楼502室",
    "上海市浦东新区张杨路188号",
    "广东省深圳市南山区科技园路9号",
    "杭州市西湖区文三路100号2单元301室",
    "四川省成都市武侯区人民南路四段12号",
    "南京市鼓楼区中山北路30号",
    "阳光花园6栋1单元1203室",
    "天津市和平区南京路219号",
    "武汉市洪山区珞喻路1037号",
    "西安市雁塔区小寨东路5号",
)
CHINESE = (
    "我叫{p}，住在{a}。",
    "请帮我给{p}写一封道歉信。",
    "患者{p}，女，45岁，因胸痛入院。",
    "姓名：{p}\n地址：{a}",
    "甲方{p}与乙方{p}于昨日签订租赁合同。",
    "{p}上个月从{t}搬到了{t}。",
    "客户{p}投诉快递没有送到{a}。",
    "昨天{p}打电话来问退款的事情。",
    "把工资表发给{p}，抄送{p}。",
    "{p}老师说下周的会议取消了。",
    "快递请寄到{a}，收件人{p}。",
    "我的同事{p}最近身体不太好，请了三天假。",
    "原告{p}要求被告赔偿医疗费。",
    "这份体检报告是{p}的，血糖偏高。",
    "他的女儿{p}今年考上了{t}的一所大学。",
    "联系人：{p}，请尽快回复。",
)
CLEAN_ZH = (
    "请解释一下快速排序的时间复杂度。",
    "帮我写一个读取配置文件的函数。",
    "怎样才能把米饭煮得更好吃？",
    "这段代码为什么会出现内存泄漏？",
    "请把下面的句子翻译成英文：今天天气很好。",
    "数据库的索引应该怎么设计才高效？",
    "总结一下这篇文章的主要观点。",
    "给我十个生日蛋糕的创意。",
    "公司第二季度的目标是提高效率、降低成本。",
    "为什么海水每天涨落两次？",
    "请用简单的语言向孩子说明光合作用。",
    "容器退出码是137，是不是内存不够？",
    "如何在安卓手机上关闭自动更新？",
    "方便的话，请于今天下班之前完成测试。",
    "高并发系统中常见的限流算法有哪些？",
    "这个方案成本高，周期长，不建议采用。",
    "时间管理的关键是分清轻重缓急。",
    "请比较两种缓存策略的优点和缺点。",
    "安全起见，密码应该定期更换。",
    "函数返回值的类型应当在文档中说明。",
    "连接超时以后，客户端应该怎样重试？",
    "学习一门新的编程语言需要多长时间？",
    "向量数据库适合做语义搜索。",
    "经济增长放缓的原因主要有三个。",
)

TUNED: dict[str, Any] = WRITTEN | {
    "ADDRESSES_EN": ADDRESSES_EN,
    "ADDRESSES_ZH": ADDRESSES_ZH,
    "ENGLISH": ENGLISH,
    "CHINESE": CHINESE,
}
HELD_OUT: dict[str, Any] = WRITTEN["HELD_OUT"]
RARE: dict[str, Any] = HELD_OUT | WRITTEN["RARE"]


@dataclass(frozen=True, slots=True)
class Labelled:
    text: str
    spans: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Score:
    wanted: int
    hit: int
    found: int
    right: int

    @property
    def recall(self) -> float:
        return self.hit / self.wanted if self.wanted else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0


def english(parts: dict[str, Any] = TUNED, count: int = 160, seed: int = 5) -> list[Labelled]:
    chance = random.Random(seed)

    def fill(kind: str) -> tuple[str, str]:
        match kind:
            case "p":
                return " ".join((chance.choice(parts["GIVEN_EN"]), chance.choice(parts["FAMILY_EN"]))), PERSON
            case "f":
                return chance.choice(parts["FAMILY_EN"]), PERSON
            case "t":
                return chance.choice(parts["TOWNS_EN"]), PLACE
            case _:
                return chance.choice(parts["ADDRESSES_EN"]), PLACE

    templates = parts["ENGLISH"]
    filled = [_fill(templates[number % len(templates)], fill) for number in range(count)]
    return filled + [Labelled(text, ()) for text in CLEAN_EN]


def chinese(parts: dict[str, Any] = TUNED, count: int = 160, seed: int = 5) -> list[Labelled]:
    chance = random.Random(seed)

    def fill(kind: str) -> tuple[str, str]:
        match kind:
            case "p":
                return chance.choice(parts["SURNAMES_ZH"]) + chance.choice(parts["GIVEN_ZH"]), PERSON
            case "t":
                return chance.choice(parts["TOWNS_ZH"]), PLACE
            case _:
                return chance.choice(parts["ADDRESSES_ZH"]), PLACE

    templates = parts["CHINESE"]
    filled = [_fill(templates[number % len(templates)], fill) for number in range(count)]
    return filled + [Labelled(text, ()) for text in CLEAN_ZH]


def _fill(template: str, fill: Callable[[str], tuple[str, str]]) -> Labelled:
    text, spans = "", []
    for part in re.split(r"(\{\w\})", template):
        if part.startswith("{"):
            value, code = fill(part[1])
            spans.append((len(text), len(text) + len(value), code))
            text += value
        else:
            text += part
    return Labelled(text, tuple(spans))


def score(samples: Iterable[Labelled], found: Iterable[Iterable[Finding]], code: str) -> Score:
    """A label is hit when a finding of its code covers at least half of it; a finding is right when it meets a label."""
    wanted = hit = total = right = 0
    for sample, findings in zip(samples, found, strict=True):
        ours = [finding for finding in findings if finding.code == code]
        labels = [span for span in sample.spans if span[2] == code]
        wanted += len(labels)
        hit += sum(any(2 * _common(one, label) >= label[1] - label[0] for one in ours) for label in labels)
        total += len(ours)
        right += sum(any(_common(one, label) > 0 for label in sample.spans) for one in ours)
    return Score(wanted, hit, total, right)


def _common(finding: Finding, label: tuple[int, int, str]) -> int:
    return min(finding.end, label[1]) - max(finding.start, label[0])
