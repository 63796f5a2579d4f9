"""PDF and DOCX files for tests, made by the libraries that make them in earnest."""

import io

from docx import Document
from fpdf import FPDF
from fpdf.enums import AccessPermission

BENEFITS = (("Step", "Days off"), ("Junior", "28"), ("Senior", "30"))


def booklet_pdf(password: str = "") -> bytes:
    """Four pages with running heads, headings of two sizes, a list, a table and a word broken at a line's end."""

    class Booklet(FPDF):
        def header(self) -> None:
            self.set_font("Helvetica", size=8)
            self.cell(0, 5, "Mill & Sons, benefits of 2025", new_x="LMARGIN", new_y="NEXT")
            self.ln(6)

        def footer(self) -> None:
            self.set_y(-12)
            self.set_font("Helvetica", size=8)
            self.cell(0, 5, f"Page {self.page_no()} of 4", align="C")

    pdf = Booklet()
    pdf.set_compression(False)  # so that a test which harms the bytes harms the words as well
    if password:
        pdf.set_encryption(
            owner_password="miller", user_password=password, permissions=AccessPermission.all()
        )
    pdf.add_page()
    _say(pdf, "What we give", 22, "B")
    _say(
        pdf,
        "Everyone who works at the mill gets the same, whatever they do and however long\nthey have been here.",
        11,
    )
    pdf.add_page()
    _say(pdf, "Time off", 16, "B")
    _say(pdf, "Holidays are counted in days, by the step that you are on.", 11)
    pdf.set_font("Helvetica", size=11)
    with pdf.table(width=100, align="LEFT") as table:
        for cells in BENEFITS:
            row = table.row()
            for cell in cells:
                row.cell(cell)
    pdf.add_page()
    _say(pdf, "Money", 16, "B")
    _say(pdf, "Pension", 11, "B")
    _say(
        pdf,
        "We pay seven percent on top, and we never short-\nen it. Part-time work earns the same share, and part-\ntime millers get flour too.",
        11,
    )
    _say(pdf, "- a new bicycle every\n   three years\n- flour on Fridays", 11)
    pdf.add_page()
    _say(pdf, "Ask Ada at the gate.", 11)
    return bytes(pdf.output())


def _say(pdf: FPDF, text: str, size: int, style: str = "") -> None:
    pdf.set_font("Helvetica", style=style, size=size)
    pdf.multi_cell(0, size * 0.5, text, new_x="LMARGIN", new_y="NEXT", align="L")
    pdf.ln(4)


def scanned_pdf() -> bytes:
    """A page with a picture and no text."""
    from PIL import Image

    pdf = FPDF()
    pdf.add_page()
    pdf.image(Image.new("RGB", (60, 60), "grey"), w=100)
    return bytes(pdf.output())


def booklet_docx() -> bytes:
    """A title, headings, a list and a table."""
    document = Document()
    document.add_heading("What we give", level=0)
    document.add_paragraph("Everyone who works at the mill gets the same, whatever they do.")
    document.add_heading("Time off", level=1)
    document.add_paragraph("Holidays are counted in days:")
    table = document.add_table(rows=0, cols=2)
    for cells in BENEFITS:
        row = table.add_row()
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.add_heading("Money", level=1)
    for text in ("a new bicycle every three years", "flour on Fridays"):
        document.add_paragraph(text, style="List Bullet")
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()
