//! Text into HTML, escaped.

/// Text as it may stand between tags and within quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// An element of a class with text in it.
pub(crate) fn element(tag: &str, class: &str, text: &str) -> String {
    format!("<{tag} class=\"{class}\">{}</{tag}>", escaped(text))
}

/// A table that turns into cards where the page is narrow. Roles are spelled out: a table shown as
/// blocks loses them in some browsers.
pub(crate) fn table(label: &str, header: &[String], rows: &[Vec<String>]) -> String {
    let heads: String = header
        .iter()
        .map(|name| {
            format!(
                "<th role=\"columnheader\" scope=\"col\">{}</th>",
                escaped(name)
            )
        })
        .collect();
    let body: String = rows.iter().map(|cells| row(header, cells)).collect();
    format!(
        "<table role=\"table\" aria-label=\"{}\"><thead role=\"rowgroup\"><tr role=\"row\">{heads}</tr></thead>\
         <tbody role=\"rowgroup\">{body}</tbody></table>\n",
        escaped(label)
    )
}

fn row(header: &[String], cells: &[String]) -> String {
    let cell = |(name, cell): (&String, &String)| {
        format!(
            "<td role=\"cell\" data-column=\"{}\">{}</td>",
            escaped(name),
            escaped(cell)
        )
    };
    let first = cells.first().map(|name| {
        format!(
            "<th role=\"rowheader\" scope=\"row\">{}</th>",
            escaped(name)
        )
    });
    let rest: String = header.iter().zip(cells).skip(1).map(cell).collect();
    format!(
        "<tr role=\"row\">{}{rest}</tr>\n",
        first.unwrap_or_default()
    )
}
