import type { Words } from "../text";

export const en = {
  title: "One person, one file, and proof of every look",
  claim: "Departments push the feeds they have; the hub makes one file of each person and shows it to those whose task needs it. Each look is on record before its answer.",
  provider: "Sign in with your organisation",
  demoTitle: "This is a demo",
  demoHelp: "Everybody in this city is invented. Choose a role; nothing but your choice decides what you see.",
  enter: "Enter as {{role}}",
  withToken: "Sign in with a token",
  token: "Token",
  tokenHelp: "A token of a caller or of a feed, as your operator issued it. It stays on the server; the browser keeps a cookie that scripts cannot read.",
  tokenMissing: "Enter a token",
  signIn: "Sign in",
  does: {
    "community-worker": "My grid: who lives there, who needs care, what is to be done.",
    "cdc-tracer": "Cases, itineraries, contacts, the risk of townships.",
    "data-steward": "Pairs of records that the machine should not decide alone.",
    auditor: "Who looked at whom, and why; proof that nothing was changed.",
    department: "My feeds: push a file, see what failed and why, mend it.",
    resident: "My own file, and who looked at it.",
    operator: "Is it running, and does it keep up?",
  },
};

export const zh: Words<typeof en> = {
  title: "一人一档，查阅必留痕",
  claim: "各部门推送已有数据，系统为每个人建立一份档案，只展示给职责所需的人。每次查阅都先留痕，后答复。",
  provider: "使用本单位账号登录",
  demoTitle: "这是演示环境",
  demoHelp: "这座城市里的所有人物均为虚构。请选择一个角色，您看到的内容只取决于所选角色。",
  enter: "以{{role}}身份进入",
  withToken: "使用令牌登录",
  token: "令牌",
  tokenHelp: "由运维人员签发的调用者令牌或数据源令牌。令牌保存在服务器上，浏览器中只有脚本无法读取的 Cookie。",
  tokenMissing: "请输入令牌",
  signIn: "登录",
  does: {
    "community-worker": "我的网格：住着谁、谁需要照护、有哪些待办。",
    "cdc-tracer": "病例、行程、接触者以及各街道的风险等级。",
    "data-steward": "机器不应独自决定的成对记录。",
    auditor: "谁查看了谁、为什么；证明记录未被改动。",
    department: "我的数据源：推送文件，查看失败原因并修正。",
    resident: "我自己的档案，以及谁查看过它。",
    operator: "系统是否正常运行，是否跟得上？",
  },
};
