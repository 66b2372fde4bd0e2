//! Several pictures on one page.

use crate::picture::escape;

/// An HTML page that needs nothing else: a title, words, and under each heading its pictures.
pub fn page(title: &str, words: &[String], sections: &[(String, Vec<String>)]) -> String {
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n\
         <style>:root{{color-scheme:light dark}}body{{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2rem auto;\
         padding:0 1rem}}svg{{max-width:100%;height:auto}}section div{{display:flex;flex-wrap:wrap;gap:1rem}}</style>\n\
         </head>\n<body>\n<h1>{}</h1>\n",
        escape(title),
        escape(title)
    );
    for line in words {
        text += &format!("<p>{}</p>\n", escape(line));
    }
    for (heading, pictures) in sections {
        text += &format!("<section>\n<h2>{}</h2>\n<div>\n{}</div>\n</section>\n", escape(heading), pictures.concat());
    }
    text + "</body>\n</html>\n"
}
