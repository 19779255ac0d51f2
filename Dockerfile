# The app in a container, for a Docker Space on Hugging Face or any other host. See docs/deploy.md.
FROM python:3.11-slim-bookworm

# Spaces run as user 1000, and so does this everywhere.
RUN useradd --create-home --uid 1000 user

WORKDIR /app
# A server does not train: without TensorFlow and Keras the image has half the size.
COPY requirements-serve.txt constraints.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements-serve.txt

# The code and the weights belong to root: the app cannot change them. What it may write lies in its home.
COPY . .
RUN mkdir -p /home/user/.cache && chown user:user /home/user/.cache

USER user
ENV HOME=/home/user \
    FER_CACHE=/home/user/.cache/second-look \
    HF_HOME=/home/user/.cache/huggingface \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STREAMLIT_SERVER_HEADLESS=true \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=8501

EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "import os, urllib.request as r; e = os.environ; path = e.get('STREAMLIT_SERVER_BASE_URL_PATH', '').strip('/'); r.build_opener(r.ProxyHandler({})).open('/'.join(filter(None, [f'http://127.0.0.1:{e[\"STREAMLIT_SERVER_PORT\"]}', path, '_stcore/health'])), timeout=4)"]

# A Space, which sets SPACE_ID, is shown within a page of huggingface.co: see docs/deploy.md on uploads there.
CMD ["sh", "-c", "exec streamlit run app.py ${SPACE_ID:+--server.xsrfCookieSameSite=none}"]
