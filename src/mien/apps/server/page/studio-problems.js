/** What is wrong with a project, in Chinese: the server tells it in English, in sentences of these forms. */

import { currentLanguage } from './words.js'

const QUOTED = "('(?:[^'\\\\]|\\\\.)*'|\\S+)"

/** @type {[string, string][]} */
const FORMS = [
  [`there is no file ${QUOTED}; there is ${QUOTED}`, '没有文件 {1}，倒是有 {2}。'],
  [`there is no file ${QUOTED}`, '没有文件 {1}，请上传，或者改正文件名。'],
  [`${QUOTED} leaves the project's folder`, '{1} 在项目文件夹之外，请把文件上传到项目里。'],
  [`${QUOTED} is an absolute path`, '{1} 是绝对路径，请上传文件后只写文件名。'],
  [`${QUOTED} is an address`, '{1} 是网址，请先下载再上传。'],
  [`there is no field ${QUOTED}(?:.*?write (\\w+))?`, '没有 {1} 这个字段。'],
  [`${QUOTED} is no field`, '没有 {1} 这个字段。'],
  [`${QUOTED} was given in line (\\d+) already`, '{1} 在第 {2} 行已经写过了，只留一个。'],
  [`${QUOTED} is not one of them; write (.+)`, '不能写 {1}，可以写：{2}'],
  [`${QUOTED} is not a number; write (?:a whole number|a number) from (\\S+) to (\\S+?)[ .]`, '{1} 不是数字，请写 {2} 到 {3} 之间的数。'],
  [`${QUOTED} is out of range; write .*?from (\\S+) to (\\S+?)[.]?$`, '{1} 超出范围，请写 {2} 到 {3}。'],
  [`${QUOTED} is negative`, '{1} 是负数，时间要从零开始。'],
  [`${QUOTED} is not a time`, '{1} 不是时间，请写 3s、500ms 或 00:01:02。'],
  [`${QUOTED} is not a length`, '{1} 不是长度，请写 60%（占画面的比例）或 120px。'],
  [`${QUOTED} is not a loudness`, '{1} 不是音量，请写 -18dB。'],
  [`${QUOTED} is not a colour`, '{1} 不是颜色，请写 teal 或 #20304f。'],
  [`${QUOTED} does not fit; write it like (.+)`, '{1} 的写法不对，应该像这样：{2}'],
  ['this is empty', '这里是空的，请填写，或者去掉这个字段。'],
  ['no word is said here', '这里没有要说的话。写上台词；没有台词的场景请写 for: 3s。'],
  ['nothing is said and no time is given', '没有台词，也没有时长。请写 script、audio 或 dialogue，或者写 for: 3s。'],
  ['nothing is said in this scene', '这个场景里没有台词，所以请写时间。'],
  [`${QUOTED} is never said in this scene`, '这个场景里没有说到 {1}，请写台词里有的词，或者写时间。'],
  [`${QUOTED} is said (\\S+) times? in this scene`, '{1} 在这个场景里只说了 {2} 次。'],
  ['nobody is there to speak', '没有人来说话：请选一张人脸照片，或者写 avatar: none。'],
  [`${QUOTED} is not in the cast`, '人物表里没有 {1}。'],
  [`there is no avatar ${QUOTED}`, '没有名为 {1} 的形象，请选一张照片。'],
  [`There is no voice ${QUOTED}`, '没有名为 {1} 的声音。'],
  ['the scene ends after (\\S+);', '场景只有 {1}，请写更早的时间。'],
  ['the transitions take (\\S+) of a scene of (\\S+);', '转场要 {1}，而场景只有 {2}。请缩短转场，或者加长场景。'],
  [`${QUOTED} is the name of the scene in line (\\d+), too`, '{1} 和第 {2} 行的场景重名，请换一个。'],
  ['this shows .*; write one of', '每一层只能有一样：图片、视频、幻灯片、标题或人名条。'],
  ['both for and until are given', 'for 和 until 只能写一个。'],
  [`there is no variable ${QUOTED}`, '没有变量 {1}，请加到 variables 里。'],
  ['the file is no picture', '这不是能读的图片，请用 PNG、JPEG、WebP 或 AVIF。'],
  ['the file is no (?:sound|video)', '这个文件读不出来，请换一个。'],
  ['a tab indents here', '这里用了制表符缩进，请改用空格。'],
  ['this is not YAML: (.+)', 'YAML 写得不对：{1}'],
  ['the tag (\\S+) has no meaning here', '标签 {1} 在这里没有意义，请删掉，或者给文字加引号。'],
  ['this is a list', '这里不该是列表。'],
  ['this is (?:a mapping|fields)', '这里不该有下级字段。'],
  ['this is missing', '这里缺少内容。'],
]

/** A sentence for the visitor. @param {string} message */
export function problemWords(message) {
  if (currentLanguage() !== 'zh') return message
  for (const [form, words] of FORMS) {
    const found = new RegExp(form).exec(message)
    if (found) return words.replace(/\{(\d)\}/g, (_, n) => (found[Number(n)] ?? '').replace(/\.$/, ''))
  }
  return message
}
